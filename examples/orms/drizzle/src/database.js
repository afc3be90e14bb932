// Transactions that say who acts, and are tried again; rows that are compared.
import { and, eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import * as schema from './schema.js'
import { isWorthAnotherTry } from './refusals.js'

// a lock is waited for, but not for ever
export const pool = new pg.Pool({ user: 'shop_app', max: 4, options: '-c lock_timeout=20s' })
export const db = drizzle(pool, { schema })

// Do it in one transaction; all of it again where that may help.  The claim who acts ends
// with the transaction, so that none is left on a pooled connection.
export async function transaction (work, { actor, reason = null, ticket = null, attempts = 3 } = {}) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.transaction(async (tx) => {
        if (actor) await tx.execute(sql`SELECT paysafe.act_as(${actor}, reason => ${reason}, ticket => ${ticket})`)
        return work(tx)
      })
    } catch (error) {
      if (attempt >= attempts || !isWorthAnotherTry(error)) throw error
    }
  }
}

export class StaleRow extends Error {}

// Optimistic locking, which Drizzle leaves to the application: the row is written if it is
// still the one that was read.
export async function save (tx, table, row, changes) {
  const [saved] = await tx
    .update(table)
    .set({ ...changes, version: row.version + 1 })
    .where(and(eq(table.id, row.id), eq(table.version, row.version)))
    .returning()
  if (!saved) throw new StaleRow(`row ${row.id} is no longer as it was read`)
  return saved
}
