// In place of a payment provider's library.  Like theirs, it does once what it is asked
// for twice under one key.
import { randomUUID } from 'node:crypto'

export class Declined extends Error {}
export class AnswerLost extends Error {}

export class Provider {
  sent = new Map()
  calls = 0
  declines = false
  losesAnswers = false

  // Sends the money back; the provider's reference.
  async refund ({ payment, amount, currency }, idempotencyKey) {
    this.calls++
    if (this.declines) throw new Declined(`no ${amount} ${currency} for ${payment}`)
    if (!this.sent.has(idempotencyKey)) this.sent.set(idempotencyKey, `re_${randomUUID()}`)
    if (this.losesAnswers) throw new AnswerLost(payment)
    return this.sent.get(idempotencyKey)
  }
}
