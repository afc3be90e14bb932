// What the tests begin with, and how they look at refusals.
import assert from 'node:assert'
import { randomUUID } from 'node:crypto'
import { prisma, transaction } from '../src/database.js'
import { refusalOf } from '../src/refusals.js'

export const providerKey = () => `pi_${randomUUID()}`

// A payment of this amount, captured.
export const captured = (amount) =>
  transaction(async (tx) => {
    const { id } = await tx.payment.create({ data: { providerId: providerKey(), amount } })
    return tx.payment.update({ where: { id }, data: { status: 'captured', captured: amount } })
  })

// Two wallets with nothing in them and a minimum of -1000, and one without any.
export async function wallets () {
  const rows = await prisma.wallet.createManyAndReturn({
    data: [{ owner: 'ann', minimum: '-1000' }, { owner: 'bob', minimum: '-1000' }, { owner: 'fees', minimum: null }]
  })
  return rows.map((row) => row.id)
}

// A gift card of 100.
export const card = () => prisma.giftCard.create({ data: { code: randomUUID().slice(0, 20), balance: '100' } })

export const byId = (model, id) => model.findUnique({ where: { id } })

export async function refused (code, constraint, work) {
  let refusal
  await assert.rejects(work, (error) => {
    refusal = refusalOf(error)
    assert.ok(refusal, error)
    assert.deepStrictEqual([refusal.code, refusal.constraint], [code, constraint])
    return true
  })
  return refusal
}
