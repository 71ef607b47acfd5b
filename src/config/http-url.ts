import { z } from 'zod'

const HTTP_URL = /^https?:\/\/[^/?#@\\\s]+(?<path>\/[^?#\\\s]*)?$/i

/** A URL such as `https://host:8443`. @param allowsPath beyond a bare `/` */
export const httpUrl = (allowsPath: boolean) =>
  z.string().refine(
    (text) => {
      const path = HTTP_URL.exec(text)?.groups?.['path'] ?? '/'
      return HTTP_URL.test(text) && URL.canParse(text) && (allowsPath || path === '/')
    },
    `must be a URL such as https://host:8443, without user, ${allowsPath ? '' : 'path, '}query or fragment`,
  )
