-- Asks Vouchgate whether a request may pass: http-request lua.vouchgate

local ENDPOINT = "http://localhost/connect/verify"
local SOCKET = "abns@vouchgate"
local TIMEOUT = 5000

-- They frame the message, or are set below.
local OWN = {
    ["connection"] = true,
    ["content-length"] = true,
    ["expect"] = true,
    ["host"] = true,
    ["keep-alive"] = true,
    ["te"] = true,
    ["trailer"] = true,
    ["transfer-encoding"] = true,
    ["upgrade"] = true,
    ["x-forwarded-tls-client-cert"] = true,
    ["x-original-method"] = true,
    ["x-original-uri"] = true,
}

local SHOWN = { ["content-type"] = true, ["www-authenticate"] = true, ["x-request-id"] = true }

local function question(txn)
    local headers = {}
    for name, values in pairs(txn.http:req_get_headers()) do
        if not OWN[name] then
            local copies = {}
            for _, value in pairs(values) do
                table.insert(copies, value)
            end
            headers[name] = copies
        end
    end
    headers["host"] = { "localhost" }
    headers["x-original-method"] = { txn.f:method() }
    headers["x-original-uri"] = { txn.f:pathq() }
    local certificate = txn.f:ssl_c_der()
    if certificate then
        headers["x-forwarded-tls-client-cert"] = { txn.c:base64(certificate) }
    end
    return headers
end

local function answer(txn, status, from)
    local reply = txn:reply({ status = status })
    for name, values in pairs(from and from.headers or {}) do
        if SHOWN[name] then
            for _, value in pairs(values) do
                reply:add_header(name, value)
            end
        end
    end
    reply:set_body(from and from.body or "")
    txn:done(reply)
end

core.register_action("vouchgate", { "http-req" }, function(txn)
    local client = core.httpclient()
    local said = client:get({
        url = ENDPOINT,
        dst = SOCKET,
        headers = question(txn),
        timeout = TIMEOUT,
    })
    if not said or (said.status ~= 200 and said.status ~= 401 and said.status ~= 403) then
        return answer(txn, 503)
    end
    if said.status ~= 200 then
        return answer(txn, said.status, said)
    end
    for name, values in pairs(said.headers) do
        if name:match("^x%-client%-") or name == "x-request-id" then
            for _, value in pairs(values) do
                txn.http:req_add_header(name, value)
            end
        end
    end
end)
