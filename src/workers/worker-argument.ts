/** What `serve` calls the program with to have a worker; no command for people. */
export const WORKER_ARGUMENT = 'worker'
