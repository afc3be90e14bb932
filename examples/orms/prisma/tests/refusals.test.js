// What is wrong is refused, and arrives as Prisma's own error.
import assert from 'node:assert'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { DriverAdapterError } from '@prisma/driver-adapter-utils'
import prismaClient from '@prisma/client'
import { prisma, save, transaction } from '../src/database.js'
import { refusalOf } from '../src/refusals.js'
import { post } from '../src/ledger.js'
import { captured, card, providerKey, refused, wallets } from './shop.js'

const { PrismaClientKnownRequestError } = prismaClient.Prisma

after(() => prisma.$disconnect())

const STATUS = 'paysafe_payment_status'
const LEDGER = 'paysafe_ledger_entry_ledger'
const BALANCE = 'paysafe_wallet_balance'

test('a captured payment is not set back', async () => {
  const { id } = await captured('100')
  const refusal = await refused('23T01', STATUS, () =>
    prisma.payment.update({ where: { id }, data: { status: 'authorized' } }))
  assert.deepStrictEqual([refusal.table, refusal.column], ['payment', 'status'])
  assert.match(refusal.message, /from "captured" to "authorized"/)
  assert.match(refusal.detail, /Allowed next: none/)
  assert.match(refusal.hint, /paysafe\.status_diagram/)
})

test('it is the known error of a model, of a raw statement, and at COMMIT the adapter\'s', async () => {
  const { id } = await captured('100')
  const [ann] = await wallets()
  const thrown = (work) => work.then(assert.fail, (error) => error)
  const ofModel = await thrown(prisma.payment.update({ where: { id }, data: { status: 'authorized' } }))
  const ofRaw = await thrown(prisma.$executeRaw`UPDATE payment SET status = 'authorized' WHERE id = ${id}`)
  assert.ok(ofModel instanceof PrismaClientKnownRequestError && ofRaw instanceof PrismaClientKnownRequestError)
  assert.deepStrictEqual([ofModel.code, ofRaw.code], ['P2039', 'P2010'])
  assert.deepStrictEqual(refusalOf(ofRaw), refusalOf(ofModel))
  assert.ok(await thrown(transaction((tx) => post(tx, [[ann, '5']]))) instanceof DriverAdapterError)
})

test('nor by an upsert', async () => {
  const { providerId } = await captured('100')
  await refused('23T01', STATUS, () =>
    prisma.payment.upsert({ where: { providerId }, create: { providerId, amount: '100' }, update: { status: 'authorized' } }))
})

test('a payment does not begin captured', () =>
  refused('23T02', STATUS, () =>
    prisma.payment.create({ data: { providerId: providerKey(), amount: '5', captured: '5', status: 'captured' } })))

test('a captured payment stays', async () => {
  const { id } = await captured('100')
  await refused('23T03', STATUS, () => prisma.payment.delete({ where: { id } }))
})

test('the amount of a captured payment is frozen', async () => {
  const paid = await captured('100')
  await refused('23R03', 'paysafe_payment_payment', () => save(prisma.payment, paid, { amount: '9000' }))
})

test('no more refunds than captured', async () => {
  const { id } = await captured('100')
  await refused('23R01', 'paysafe_refund_refund', () =>
    prisma.refund.createMany({ data: [{ paymentId: id, amount: '80' }, { paymentId: id, amount: '21' }] }))
})

test('nor nested in their payment', async () => {
  const { id } = await captured('100')
  await refused('23R01', 'paysafe_refund_refund', () =>
    prisma.payment.update({
      where: { id }, data: { note: 'refunded', refunds: { create: [{ amount: '80' }, { amount: '21' }] } }
    }))
  assert.strictEqual(await prisma.refund.count({ where: { paymentId: id } }), 0)
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
  const again = () => prisma.ledgerEntry.createMany({
    data: [{ transaction, walletId: ann, amount: '-5' }, { transaction, walletId: bob, amount: '5' }]
  })
  await again()
  await refused('23L04', LEDGER, again)
})

test('entries are neither changed nor deleted', async () => {
  const [ann, bob] = await wallets()
  const where = { transaction: await transaction((tx) => post(tx, [[ann, '-5'], [bob, '5']])) }
  await refused('23L01', LEDGER, () => prisma.ledgerEntry.updateMany({ where, data: { amount: '1' } }))
  await refused('23L01', LEDGER, () => prisma.ledgerEntry.deleteMany({ where }))
})

test('a balance does not fall below its minimum', async () => {
  const [ann, , fees] = await wallets()
  const refusal = await refused('23M01', BALANCE, () =>
    transaction((tx) => post(tx, [[ann, '-1001'], [fees, '1001']])))
  assert.strictEqual(refusal.table, 'wallet')
})

test('a balance is not written by hand', async () => {
  const [id] = await wallets()
  await refused('23M02', BALANCE, () => prisma.wallet.update({ where: { id }, data: { balance: { increment: 1 } } }))
})

test('a stale version is seen', async () => {
  const row = await card()
  await save(prisma.giftCard, row, { balance: '70' })
  await assert.rejects(() => save(prisma.giftCard, row, { balance: '50' }), { code: 'P2025' })
})

test('without version and lock, what was read earlier is not written back', async () => {
  const { id } = await card()
  const refusal = await refused('23M04', 'paysafe_gift_card_row_lock', () =>
    prisma.giftCard.update({ where: { id }, data: { balance: '70' } }))
  assert.match(refusal.hint, /FOR UPDATE/)
})

test('what is said of a row is not in the refusal', async () => {
  const { id } = await captured('100')
  await assert.rejects(
    () => prisma.payment.update({ where: { id }, data: { status: 'cancelled', note: 'of Mrs Smith' } }),
    (error) => !JSON.stringify(refusalOf(error)).includes('Mrs Smith'))
})

test('another error is not a refusal of paysafe', async () => {
  const { providerId } = await captured('1')
  await assert.rejects(
    () => prisma.payment.create({ data: { providerId, amount: '1' } }),
    (error) => error.code === 'P2002' && refusalOf(error) === null)
})
