// Transactions that say who acts, and are tried again; rows that are compared.
import { PrismaPg } from '@prisma/adapter-pg'
import prismaClient from '@prisma/client'
import { isWorthAnotherTry } from './refusals.js'

// The adapter leaves out an error's table and constraint: that is where a refusal has its name.
function named (queryable) {
  const onError = queryable.onError
  queryable.onError = (error) => {
    try {
      return onError.call(queryable, error)
    } catch (thrown) {
      const { table, constraint } = error
      if (thrown.cause?.kind === 'postgres') Object.assign(thrown.cause, { table, constraint })
      throw thrown
    }
  }
  return queryable
}

class Adapter extends PrismaPg {
  async connect () {
    const adapter = named(await super.connect())
    const start = adapter.startTransaction
    adapter.startTransaction = async (isolation) => named(await start.call(adapter, isolation))
    return adapter
  }
}

// a lock is waited for, but not for ever
export const prisma = new prismaClient.PrismaClient({
  adapter: new Adapter({ user: 'shop_app', max: 4, options: '-c lock_timeout=20s' })
})

// Do it in one transaction; all of it again where that may help.  The claim who acts ends
// with the transaction, so that none is left on a pooled connection.
export async function transaction (work, { actor, reason = null, ticket = null, attempts = 3 } = {}) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await prisma.$transaction(async (tx) => {
        if (actor) await tx.$executeRaw`SELECT paysafe.act_as(${actor}, reason => ${reason}, ticket => ${ticket})`
        return work(tx)
      }, { maxWait: 10_000, timeout: 30_000 })
    } catch (error) {
      if (attempt >= attempts || !isWorthAnotherTry(error)) throw error
    }
  }
}

// Optimistic locking: the row is written if it is still the one that was read; P2025 if
// somebody was faster.
export const save = (model, { id, version }, changes) =>
  model.update({ where: { id, version }, data: { ...changes, version: { increment: 1 } } })
