// A refund's way: requested, approved, past the gate, sent, recorded.
import { save, transaction } from './database.js'
import { Declined } from './provider.js'

const worker = { actor: 'worker:refunds' }

// Rejected, failed or paid already: nothing is to be sent.
export class NotOpen extends Error {}

export const request = (paymentId, amount, actor, reason) =>
  transaction(
    async (tx) => {
      // the database locks the payment, whose refunds it adds up; where a transaction
      // refunds several, it takes them in the order of their keys
      const [paid] = await tx.$queryRaw`SELECT currency FROM payment WHERE id = ${paymentId} FOR NO KEY UPDATE`
      const row = await tx.refund.create({ data: { paymentId, amount, currency: paid.currency } })
      return row.id
    },
    { actor, reason }
  )

// Somebody else than who requested it; the database sees to that.
export const approve = (id, actor, reason) =>
  transaction((tx) => tx.$executeRaw`SELECT paysafe.approve('refund', ${String(id)}, ${reason})`, { actor })

async function locked (tx, id) {
  await tx.$executeRaw`SELECT FROM refund WHERE id = ${id} FOR UPDATE`
  return tx.refund.findUniqueOrThrow({ where: { id } })
}

// First the gate, and it is committed; then the provider; then what came of it.  However
// often it is called, by however many workers, the money is sent once.
export async function pay (id, provider) {
  const key = `refund-${id}`
  const [claim] = await transaction((tx) => tx.$queryRaw`SELECT outcome, attempt, convert_from(body, 'UTF8') AS body
      FROM paysafe.idempotency_begin('refunds', ${key}, ${key}, 'shop', 'claimed')`)
  if (claim.outcome === 'replay') return JSON.parse(claim.body)
  try {
    // refused here if somebody else has to approve it, while nobody has been paid
    const asked = await transaction((tx) => passTheGate(tx, id), worker)
    // also the next attempt, when an answer was lost: the key is the refund's
    const reference = await provider.refund(asked, key).catch((error) => {
      if (error instanceof Declined) return null
      throw error
    })
    return await transaction((tx) => record(tx, id, reference, key, claim.attempt), worker)
  } catch (error) {
    // the next attempt need not wait for the end of the lease; where this fails, it waits
    await transaction((tx) =>
      tx.$executeRaw`SELECT paysafe.idempotency_fail('refunds', ${key}, ${claim.attempt}, ${error.constructor.name}, 'shop')`
    ).catch(() => {})
    throw error
  }
}

async function passTheGate (tx, id) {
  const row = await locked(tx, id)
  if (row.status === 'requested') await save(tx.refund, row, { status: 'executing' })
  else if (row.status !== 'executing') throw new NotOpen(row.status)
  const paid = await tx.payment.findUniqueOrThrow({ where: { id: row.paymentId } })
  return { payment: paid.providerId, amount: row.amount, currency: row.currency }
}

async function record (tx, id, reference, key, attempt) {
  const status = reference ? 'paid' : 'failed'
  await save(tx.refund, await locked(tx, id), { status, providerReference: reference })
  const answer = { id: String(id), status, reference }
  await tx.$executeRaw`SELECT paysafe.idempotency_finish('refunds', ${key}, ${attempt}, ${reference ? 200 : 409},
    NULL, ${JSON.stringify(answer)}, 'shop')`
  return answer
}
