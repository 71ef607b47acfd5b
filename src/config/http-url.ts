import { z } from 'zod'

const HTTP_URL = /^https?:\/\/[^/?#@\\\s]+(?<path>\/[^?#\\\s]*)?$/i

/** Whether it is a URL such as `https://host:8443`. @param allowsPath beyond a bare `/` */
export function isHttpUrl(text: string, allowsPath: boolean): boolean {
  const path = HTTP_URL.exec(text)?.groups?.['path'] ?? '/'
  return HTTP_URL.test(text) && URL.canParse(text) && (allowsPath || path === '/')
}

/** A URL such as `https://host:8443`. @param allowsPath beyond a bare `/` */
export const httpUrl = (allowsPath: boolean) =>
  z
    .string()
    .refine(
      (text) => isHttpUrl(text, allowsPath),
      `must be a URL such as https://host:8443, without user, ${allowsPath ? '' : 'path, '}query or fragment`,
    )
