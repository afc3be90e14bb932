// What the database has said: of a statement it is in the error's meta, at COMMIT in its
// cause.  The error's own message may have the call's arguments: log these fields, not that.
export const databaseErrorOf = (error) => error?.meta?.driverAdapterError?.cause ?? error?.cause ?? null

// What paysafe has refused, for an answer of 409 or 422 instead of 500; null for any
// other error.
export function refusalOf (error) {
  const found = databaseErrorOf(error)
  if (!found?.constraint?.startsWith?.('paysafe_')) return null
  const { code, constraint, table, column, message, detail, hint } = found
  return { code, constraint, table, column, message, detail, hint }
}

// A deadlock, or a row that somebody else has changed meanwhile: Prisma has one code for
// 40P01 and 40001.
export const isWorthAnotherTry = (error) => error?.code === 'P2034' || databaseErrorOf(error)?.kind === 'TransactionWriteConflict'
