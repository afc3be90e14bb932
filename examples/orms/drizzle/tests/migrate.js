// The server is where PGHOST, PGPORT, PGUSER and PGDATABASE say; the database must be
// empty, the role a superuser, who creates the extension, and `shop_app` a login.
import { readFileSync } from 'node:fs'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import pg from 'pg'

const owner = new pg.Pool()
await migrate(drizzle(owner), { migrationsFolder: new URL('../drizzle', import.meta.url).pathname })
await owner.query(readFileSync(new URL('../../rules.sql', import.meta.url), 'utf8'))
await owner.end()
