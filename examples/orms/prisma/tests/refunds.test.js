// A second person before the money leaves, and the money leaves once.
import assert from 'node:assert'
import { after, test } from 'node:test'
import { prisma, transaction } from '../src/database.js'
import { AnswerLost, Provider } from '../src/provider.js'
import { approve, NotOpen, pay, request } from '../src/refunds.js'
import { byId, captured, refused } from './shop.js'

after(() => prisma.$disconnect())

const APPROVAL = 'paysafe_refund_approval'
const APPROVER = 'paysafe_approval_record_approval'
const requested = async (amount = '900') => request((await captured('2000')).id, amount, 'user:17', 'arrived broken')
const status = async (id) => (await byId(prisma.refund, id)).status

test('below the threshold', async () => {
  assert.strictEqual((await pay(await requested('500'), new Provider())).status, 'paid')
})

test('the gate is before the provider', async () => {
  const id = await requested()
  const provider = new Provider()
  const refusal = await refused('42501', APPROVAL, () => pay(id, provider))
  assert.match(refusal.hint, /paysafe\.approve/)
  assert.deepStrictEqual([provider.calls, await status(id)], [0, 'requested'])
})

test('not by who requested it', async () => {
  const id = await requested()
  await refused('42501', APPROVER, () => approve(id, 'User:17', 'it is fine'))
})

test('approved by somebody else, and paid once', async () => {
  const id = await requested()
  const provider = new Provider()
  await refused('42501', APPROVAL, () => pay(id, provider))
  await approve(id, 'user:23', 'photo checked')
  const answer = await pay(id, provider)
  assert.strictEqual(answer.status, 'paid')
  assert.deepStrictEqual(await pay(id, provider), answer)
  assert.deepStrictEqual([provider.calls, await status(id)], [1, 'paid'])
})

test('an answer is lost', async () => {
  const id = await requested('100')
  const provider = new Provider()
  provider.losesAnswers = true
  await assert.rejects(() => pay(id, provider), AnswerLost)
  assert.strictEqual(await status(id), 'executing')
  provider.losesAnswers = false
  const { reference } = await pay(id, provider)
  assert.deepStrictEqual([...provider.sent], [[`refund-${id}`, reference]])
})

test('declined', async () => {
  const id = await requested('100')
  const provider = new Provider()
  provider.declines = true
  assert.strictEqual((await pay(id, provider)).status, 'failed')
  provider.declines = false
  assert.strictEqual((await pay(id, provider)).status, 'failed')
  assert.strictEqual(provider.sent.size, 0)
})

test('rejected', async () => {
  const id = await requested()
  const provider = new Provider()
  await transaction((tx) => tx.refund.update({ where: { id }, data: { status: 'rejected' } }), { actor: 'user:23' })
  await assert.rejects(() => pay(id, provider), NotOpen)
  assert.strictEqual(provider.calls, 0)
})

test('the claim ends with the transaction', async () => {
  const id = await requested()
  await transaction((tx) => tx.$queryRaw`SELECT 1`, { actor: 'user:23' })
  await refused('42501', APPROVER, () => prisma.$executeRaw`SELECT paysafe.approve('refund', ${String(id)}, 'me?')`)
})
