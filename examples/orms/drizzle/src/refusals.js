// Drizzle wraps what node-postgres throws: the error with the fields is its cause.
// The wrapper's message has the statement's parameters: log the cause, not the wrapper.
export function databaseErrorOf (error) {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (/^[0-9A-Z]{5}$/.test(at.code) && at.severity) return at
  }
  return null
}

// What paysafe has refused, for an answer of 409 or 422 instead of 500; null for any
// other error.
export function refusalOf (error) {
  const found = databaseErrorOf(error)
  if (!found?.constraint?.startsWith('paysafe_')) return null
  const { code, constraint, table, column, message, detail, hint } = found
  return { code, constraint, table, column, message, detail, hint }
}

// A deadlock, or a row that somebody else has changed meanwhile: 40P01, 40001.
export const isWorthAnotherTry = (error) => databaseErrorOf(error)?.code.startsWith('40') ?? false
