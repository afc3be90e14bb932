// What is wrong is refused, and arrives as Drizzle's own error.
import assert from 'node:assert'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { eq, sql } from 'drizzle-orm'
import { db, pool, save, StaleRow, transaction } from '../src/database.js'
import { databaseErrorOf, refusalOf } from '../src/refusals.js'
import { post } from '../src/ledger.js'
import { giftCard, ledgerEntry, payment, refund, wallet } from '../src/schema.js'
import { captured, card, providerKey, refused, wallets } from './shop.js'

after(() => pool.end())

const STATUS = 'paysafe_payment_status'
const LEDGER = 'paysafe_ledger_entry_ledger'
const BALANCE = 'paysafe_wallet_balance'

test('a captured payment is not set back', async () => {
  const { id } = await captured('100')
  const refusal = await refused('23T01', STATUS, () =>
    db.update(payment).set({ status: 'authorized' }).where(eq(payment.id, id)))
  assert.strictEqual(refusal.column, 'status')
  assert.match(refusal.message, /from "captured" to "authorized"/)
  assert.match(refusal.hint, /paysafe\.status_diagram/)
})

test('nor by an upsert', async () => {
  const { providerId } = await captured('100')
  await refused('23T01', STATUS, () =>
    db.insert(payment).values({ providerId, amount: '100' })
      .onConflictDoUpdate({ target: payment.providerId, set: { status: sql`excluded.status` } }))
})

test('a payment does not begin captured', () =>
  refused('23T02', STATUS, () =>
    db.insert(payment).values({ providerId: providerKey(), amount: '5', captured: '5', status: 'captured' })))

test('a captured payment stays', async () => {
  const { id } = await captured('100')
  await refused('23T03', STATUS, () => db.delete(payment).where(eq(payment.id, id)))
})

test('the amount of a captured payment is frozen', async () => {
  const paid = await captured('100')
  await refused('23R03', 'paysafe_payment_payment', () => save(db, payment, paid, { amount: '9000' }))
})

test('no more refunds than captured', async () => {
  const { id } = await captured('100')
  await refused('23R01', 'paysafe_refund_refund', () =>
    db.insert(refund).values([{ paymentId: id, amount: '80' }, { paymentId: id, amount: '21' }]))
})

test('entries that do not balance are refused at COMMIT', async () => {
  const [ann] = await wallets()
  let written = false
  await refused('23L02', LEDGER, () => transaction(async (tx) => {
    await post(tx, [[ann, '5']])
    written = true
  }))
  assert.ok(written)
})

test('a posted transaction is closed', async () => {
  const [ann, bob] = await wallets()
  const transaction = randomUUID()
  const again = () => db.insert(ledgerEntry).values([
    { transaction, walletId: ann, amount: '-5' }, { transaction, walletId: bob, amount: '5' }])
  await again()
  await refused('23L04', LEDGER, again)
})

test('entries are neither changed nor deleted', async () => {
  const [ann, bob] = await wallets()
  const id = await transaction((tx) => post(tx, [[ann, '-5'], [bob, '5']]))
  const own = eq(ledgerEntry.transaction, id)
  await refused('23L01', LEDGER, () => db.update(ledgerEntry).set({ amount: '1' }).where(own))
  await refused('23L01', LEDGER, () => db.delete(ledgerEntry).where(own))
})

test('a balance does not fall below its minimum', async () => {
  const [ann, , fees] = await wallets()
  const refusal = await refused('23M01', BALANCE, () =>
    transaction((tx) => post(tx, [[ann, '-1001'], [fees, '1001']])))
  assert.strictEqual(refusal.table, 'wallet')
})

test('a balance is not written by hand', async () => {
  const [ann] = await wallets()
  await refused('23M02', BALANCE, () =>
    db.update(wallet).set({ balance: sql`${wallet.balance} + 1` }).where(eq(wallet.id, ann)))
})

test('a stale version is the application\'s to see', async () => {
  const row = await card()
  await save(db, giftCard, row, { balance: '70' })
  await assert.rejects(() => save(db, giftCard, row, { balance: '50' }), StaleRow)
})

test('without version and lock, what was read earlier is not written back', async () => {
  const row = await card()
  const refusal = await refused('23M04', 'paysafe_gift_card_row_lock', () =>
    db.update(giftCard).set({ balance: '70' }).where(eq(giftCard.id, row.id)))
  assert.match(refusal.hint, /FOR UPDATE/)
})

test('the parameters are in the wrapper\'s message, not in the cause', async () => {
  const { id } = await captured('100')
  await assert.rejects(
    () => db.update(payment).set({ status: 'cancelled', note: 'of Mrs Smith' }).where(eq(payment.id, id)),
    (error) => error.message.includes('Mrs Smith') && !JSON.stringify(refusalOf(error)).includes('Mrs Smith')
  )
})

test('another error is not a refusal of paysafe', async () => {
  const { providerId } = await captured('1')
  await assert.rejects(
    () => db.insert(payment).values({ providerId, amount: '1' }),
    (error) => databaseErrorOf(error).code === '23505' && refusalOf(error) === null
  )
})
