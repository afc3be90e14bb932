// What the tests begin with, and how they look at refusals.
import assert from 'node:assert'
import { randomUUID } from 'node:crypto'
import { eq } from 'drizzle-orm'
import { DrizzleQueryError } from 'drizzle-orm/errors'
import { db, transaction } from '../src/database.js'
import { refusalOf } from '../src/refusals.js'
import { giftCard, payment, wallet } from '../src/schema.js'

export const providerKey = () => `pi_${randomUUID()}`

// A payment of this amount, captured.
export const captured = (amount) =>
  transaction(async (tx) => {
    const [row] = await tx.insert(payment).values({ providerId: providerKey(), amount }).returning()
    const [saved] = await tx.update(payment).set({ status: 'captured', captured: amount })
      .where(eq(payment.id, row.id)).returning()
    return saved
  })

// Two wallets with nothing in them and a minimum of -1000, and one without any.
export async function wallets () {
  const rows = await db.insert(wallet).values([
    { owner: 'ann', minimum: '-1000' }, { owner: 'bob', minimum: '-1000' }, { owner: 'fees', minimum: null }
  ]).returning()
  return rows.map((row) => row.id)
}

// A gift card of 100.
export async function card () {
  const [row] = await db.insert(giftCard).values({ code: randomUUID().slice(0, 20), balance: '100' }).returning()
  return row
}

export const byId = async (table, id) => (await db.select().from(table).where(eq(table.id, id)))[0]

export async function refused (code, constraint, work) {
  let refusal
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof DrizzleQueryError, error)
    refusal = refusalOf(error)
    assert.ok(refusal, error.cause)
    assert.deepStrictEqual([refusal.code, refusal.constraint], [code, constraint])
    return true
  })
  return refusal
}
