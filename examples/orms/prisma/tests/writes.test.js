// Every way in which Prisma writes: what is right passes.
import assert from 'node:assert'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { prisma, save, transaction } from '../src/database.js'
import { byId, captured, card, providerKey, wallets } from './shop.js'

after(() => prisma.$disconnect())

test('a payment and its refund in one transaction', async () => {
  const paid = await captured('100')
  await transaction(async (tx) => {
    await save(tx.payment, paid, { note: 'called the customer' })
    await tx.refund.create({ data: { paymentId: paid.id, amount: '30' } })
  })
  const found = await byId(prisma.payment, paid.id)
  assert.deepStrictEqual([found.note, found.version, found.status], ['called the customer', 2, 'captured'])
})

test('a refund nested in its payment', async () => {
  const { id } = await captured('100')
  const { refunds } = await prisma.payment.update({
    where: { id }, data: { note: 'refunded', refunds: { create: [{ amount: '30' }, { amount: '70' }] } }, include: { refunds: true }
  })
  assert.strictEqual(refunds.length, 2)
})

test('several writes as one transaction', async () => {
  const { id } = await captured('100')
  const [, { _sum: { amount } }] = await prisma.$transaction([
    prisma.refund.create({ data: { paymentId: id, amount: '40' } }),
    prisma.refund.aggregate({ where: { paymentId: id }, _sum: { amount: true } })
  ])
  assert.strictEqual(Number(amount), 40)
})

test('an update of a whole row', async () => {
  const { id, ...row } = await captured('100')
  await prisma.payment.update({ where: { id }, data: { ...row, note: 'from a form' } })
  assert.strictEqual((await byId(prisma.payment, id)).note, 'from a form')
})

test('a batch of entries', async () => {
  const [ann, bob, fees] = await wallets()
  const data = Array.from({ length: 700 }, randomUUID).flatMap((transaction) => [
    { transaction, walletId: ann, amount: '-1' },
    { transaction, walletId: bob, amount: '0.75' },
    { transaction, walletId: fees, amount: '0.25' }
  ])
  assert.strictEqual((await prisma.ledgerEntry.createMany({ data })).count, 2100)
  assert.strictEqual(Number((await byId(prisma.wallet, ann)).balance), -700)
  const [{ balance }] = await prisma.$queryRaw`SELECT paysafe.balance(${String(fees)}) AS balance`
  assert.strictEqual(Number(balance), 175)
})

test('an upsert by the provider\'s key', async () => {
  const providerId = providerKey()
  const said = (note) => prisma.payment.upsert({
    where: { providerId }, create: { providerId, amount: '50', note }, update: { note, version: { increment: 1 } }
  })
  const first = await said('created')
  const again = await said('card ok')
  assert.deepStrictEqual([again.id, again.note, again.version], [first.id, 'card ok', 2])
})

test('an upsert that captures', async () => {
  const providerId = providerKey()
  await prisma.payment.create({ data: { providerId, amount: '50' } })
  const row = await prisma.payment.upsert({
    where: { providerId }, create: { providerId, amount: '50' }, update: { status: 'captured', captured: '50' }
  })
  assert.deepStrictEqual([row.status, Number(row.captured)], ['captured', 50])
})

test('an upsert that adds to a card', async () => {
  const { code } = await card()
  const row = await prisma.giftCard.upsert({
    where: { code }, create: { code, balance: '25' }, update: { balance: { increment: '25' } }
  })
  assert.strictEqual(Number(row.balance), 125)
})

test('an optimistic lock', async () => {
  const row = await card()
  const saved = await save(prisma.giftCard, row, { balance: '70' })
  assert.deepStrictEqual([Number(saved.balance), saved.version], [70, 2])
})

test('an optimistic lock that says how many there were', async () => {
  const { id, version } = await card()
  const spend = () => prisma.giftCard.updateMany({ where: { id, version }, data: { balance: '70', version: { increment: 1 } } })
  assert.deepStrictEqual([(await spend()).count, (await spend()).count], [1, 0])
})

test('a locked row', async () => {
  const { id } = await card()
  await transaction(async (tx) => {
    const [row] = await tx.$queryRaw`SELECT balance FROM gift_card WHERE id = ${id} FOR UPDATE`
    await tx.giftCard.update({ where: { id }, data: { balance: row.balance.plus(50) } })
  })
  assert.strictEqual(Number((await byId(prisma.giftCard, id)).balance), 150)
})

test('a balance that the database computes', async () => {
  const { id } = await card()
  await prisma.giftCard.update({ where: { id }, data: { balance: { increment: '50' } } })
  assert.strictEqual(Number((await byId(prisma.giftCard, id)).balance), 150)
})

test('another column of a wallet', async () => {
  const [id] = await wallets()
  await prisma.wallet.update({ where: { id }, data: { owner: 'Ann' } })
  assert.strictEqual((await byId(prisma.wallet, id)).owner, 'Ann')
})

test('a payment that may go', async () => {
  const { id } = await prisma.payment.create({ data: { providerId: providerKey(), amount: '1' } })
  await prisma.payment.delete({ where: { id } })
  assert.strictEqual(await byId(prisma.payment, id), null)
})

test('the transaction goes on after a savepoint', async () => {
  const { id: paymentId } = await captured('100')
  await transaction(async (tx) => {
    await assert.rejects(() => tx.$transaction((inner) => inner.refund.create({ data: { paymentId, amount: '101' } })))
    await tx.refund.create({ data: { paymentId, amount: '100' } })
  })
  assert.strictEqual(await prisma.refund.count({ where: { paymentId } }), 1)
})
