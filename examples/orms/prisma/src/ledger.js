// Money moves by entries; the database moves the wallets' balances.
import { randomUUID } from 'node:crypto'

// Posts a transaction: [[wallet, amount], ...], amounts that sum to zero.
//
// As one INSERT: of one statement the database locks the wallets in the order of their
// keys by itself.  Statements of their own, one for each entry, have an order only if the
// application gives them one; so they are sorted here in any case.
export async function post (tx, amounts) {
  const transaction = randomUUID()
  const entries = [...amounts].sort(([one], [other]) => (one < other ? -1 : 1))
  await tx.ledgerEntry.createMany({ data: entries.map(([walletId, amount]) => ({ transaction, walletId, amount })) })
  return transaction
}
