import { execFile, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'

import test from 'ava'

import { pki } from '../support/pki.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** Sends its certificate only if the server's list of authorities allows that; prints status and body. */
const PROGRAM = `package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
)

func main() {
	certificate, err := tls.LoadX509KeyPair("client.crt", "client.key")
	if err != nil {
		panic(err)
	}
	pem, _ := os.ReadFile("ca.crt")
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: roots, ServerName: "localhost", Certificates: []tls.Certificate{certificate}}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	answer, err := client.PostForm(os.Args[1], url.Values{"grant_type": {"client_credentials"}})
	if err != nil {
		panic(err)
	}
	body, _ := io.ReadAll(answer.Body)
	fmt.Println(answer.StatusCode, string(body))
}
`

const run = promisify(execFile)
const installed = spawnSync('go', ['version']).status === 0

if (installed) {
  test('a client in Go presents a self-signed certificate, and is known by its thumbprint', async (t) => {
    // The first build on a machine compiles the standard library.
    t.timeout(600_000)
    const { selfSignedClient, client, rootCa } = await pki()
    const sidecar = await startSidecar(t, {
      clients: [
        {
          clientId: 'go',
          clientSecrets: [
            { type: 'X509Thumbprint', value: selfSignedClient.x509.fingerprint256 },
            { type: 'X509Name', value: 'CN=client, O=Example' },
          ],
        },
      ],
    })
    const folder = temporaryFolder(t, { 'main.go': PROGRAM, 'ca.crt': rootCa.pem })
    await run('go', ['build', '-o', 'client', 'main.go'], { cwd: folder, env: process.env })
    for (const { cert, key } of [selfSignedClient, client]) {
      writeFileSync(path.join(folder, 'client.crt'), cert)
      writeFileSync(path.join(folder, 'client.key'), key)
      const url = `https://127.0.0.1:${sidecar.port}/connect/token`
      const { stdout } = await run('./client', [url], { cwd: folder })
      t.regex(stdout, /^200 \{"access_token"/)
    }
  })
} else {
  test.skip('a client in Go presents a self-signed certificate (Go is not installed)', (t) => {
    t.pass()
  })
}
