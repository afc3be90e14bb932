// Every way in which Drizzle writes: what is right passes.
import assert from 'node:assert'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { eq, inArray, sql, sum } from 'drizzle-orm'
import { db, pool, save, transaction } from '../src/database.js'
import { giftCard, ledgerEntry, payment, refund, wallet } from '../src/schema.js'
import { byId, captured, card, providerKey, wallets } from './shop.js'

after(() => pool.end())

test('a payment and its refund in one transaction', async () => {
  const paid = await captured('100')
  await transaction(async (tx) => {
    await save(tx, payment, paid, { note: 'called the customer' })
    await tx.insert(refund).values({ paymentId: paid.id, amount: '30' })
  })
  const found = await byId(payment, paid.id)
  assert.deepStrictEqual([found.note, found.version, found.status], ['called the customer', 2, 'captured'])
})

test('an update of a whole row', async () => {
  const { id, version, ...row } = await captured('100')
  await db.update(payment).set({ ...row, note: 'from a form' }).where(eq(payment.id, id))
  assert.strictEqual((await byId(payment, id)).note, 'from a form')
})

test('a batch of entries', async () => {
  const [ann, bob, fees] = await wallets()
  const rows = Array.from({ length: 700 }, randomUUID).flatMap((transaction) => [
    { transaction, walletId: ann, amount: '-1' },
    { transaction, walletId: bob, amount: '0.75' },
    { transaction, walletId: fees, amount: '0.25' }
  ])
  await db.insert(ledgerEntry).values(rows)
  assert.strictEqual((await byId(wallet, ann)).balance, '-700.00')
  const { rows: [{ balance }] } = await db.execute(sql`SELECT paysafe.balance(${String(fees)}) AS balance`)
  assert.strictEqual(Number(balance), 175)
})

test('an upsert by the provider\'s key', async () => {
  const providerId = providerKey()
  const said = async (note) => {
    const [row] = await db.insert(payment).values({ providerId, amount: '50', note })
      .onConflictDoUpdate({ target: payment.providerId, set: { note: sql`excluded.note`, version: sql`${payment.version} + 1` } })
      .returning()
    return row
  }
  const first = await said('created')
  const again = await said('card ok')
  assert.deepStrictEqual([again.id, again.note, again.version], [first.id, 'card ok', 2])
})

test('an upsert that captures', async () => {
  const providerId = providerKey()
  await db.insert(payment).values({ providerId, amount: '50' })
  const [row] = await db.insert(payment).values({ providerId, amount: '50', status: 'captured', captured: '50' })
    .onConflictDoUpdate({ target: payment.providerId, set: { status: sql`excluded.status`, captured: sql`excluded.captured` } })
    .returning()
  assert.deepStrictEqual([row.status, row.captured], ['captured', '50.00'])
})

test('an upsert that adds to a card', async () => {
  const { id, code } = await card()
  await db.insert(giftCard).values({ code, balance: '25' })
    .onConflictDoUpdate({ target: giftCard.code, set: { balance: sql`${giftCard.balance} + excluded.balance` } })
  assert.strictEqual((await byId(giftCard, id)).balance, '125.00')
})

test('an optimistic lock', async () => {
  const row = await card()
  const saved = await save(db, giftCard, row, { balance: '70' })
  assert.deepStrictEqual([saved.balance, saved.version], ['70.00', 2])
})

test('a locked row', async () => {
  const { id } = await card()
  await transaction(async (tx) => {
    const [row] = await tx.select().from(giftCard).where(eq(giftCard.id, id)).for('update')
    await tx.update(giftCard).set({ balance: String(Number(row.balance) + 50) }).where(eq(giftCard.id, id))
  })
  assert.strictEqual((await byId(giftCard, id)).balance, '150.00')
})

test('a balance that the database computes', async () => {
  const { id } = await card()
  await db.update(giftCard).set({ balance: sql`${giftCard.balance} + ${'50'}` }).where(eq(giftCard.id, id))
  assert.strictEqual((await byId(giftCard, id)).balance, '150.00')
})

test('another column of a wallet', async () => {
  const [ann] = await wallets()
  await db.update(wallet).set({ owner: 'Ann' }).where(eq(wallet.id, ann))
  assert.strictEqual((await byId(wallet, ann)).owner, 'Ann')
})

test('a payment that may go', async () => {
  const [row] = await db.insert(payment).values({ providerId: providerKey(), amount: '1' }).returning()
  await db.delete(payment).where(eq(payment.id, row.id))
  assert.strictEqual(await byId(payment, row.id), undefined)
})

test('the transaction goes on after a savepoint', async () => {
  const { id } = await captured('100')
  await transaction(async (tx) => {
    await assert.rejects(() => tx.transaction((inner) => inner.insert(refund).values({ paymentId: id, amount: '101' })))
    await tx.insert(refund).values({ paymentId: id, amount: '100' })
  })
  const [{ total }] = await db.select({ total: sum(refund.amount) }).from(refund).where(inArray(refund.paymentId, [id]))
  assert.strictEqual(total, '100.00')
})
