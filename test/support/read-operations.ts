import type { Running } from './start-sidecar.ts'

/** What the plain HTTP port for kubelet and Prometheus answers. */
export async function readOperations(
  { sidecar }: Running,
  path: '/readyz' | '/livez' | '/metrics',
): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(`http://127.0.0.1:${sidecar.operationsPort}${path}`)
  return { status: answer.status, text: await answer.text() }
}
