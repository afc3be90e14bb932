package shop

import (
	"errors"
	"math/rand"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"
)

// Open connects to the database that PGHOST and its like name.
func Open(dsn string) (*gorm.DB, error) {
	return gorm.Open(postgres.Open(dsn), &gorm.Config{
		NamingStrategy: schema.NamingStrategy{SingularTable: true},
		Logger:         logger.Discard,
	})
}

// Actor is who acts, and why; the zero value names nobody.
type Actor struct {
	Name, Reason string
}

// Attempts is how often Run does its work at most.
const Attempts = 3

// Run does the work in one transaction; all of it again where that may help.
//
// The claim who acts ends with the transaction, so that none is left on a pooled
// connection.
func Run(db *gorm.DB, actor Actor, work func(tx *gorm.DB) error) error {
	return run(db, actor, Attempts, work)
}

func run(db *gorm.DB, actor Actor, attempts int, work func(tx *gorm.DB) error) error {
	for attempt := 1; ; attempt++ {
		err := db.Transaction(func(tx *gorm.DB) error {
			if actor.Name != "" {
				claim := tx.Exec("SELECT paysafe.act_as(?, reason => NULLIF(?, ''))", actor.Name, actor.Reason)
				if claim.Error != nil {
					return claim.Error
				}
			}
			return work(tx)
		})
		if err == nil || attempt >= attempts || !IsWorthAnotherTry(err) {
			return err
		}
		// whoever waits for what this one had locked goes first, or they meet again
		time.Sleep(time.Duration(attempt*(20+rand.Intn(60))) * time.Millisecond)
	}
}

// ErrStale is returned for a row that is no longer as it was read.
var ErrStale = errors.New("the row is no longer as it was read")

type versioned interface{ version() *int64 }

// Save writes all columns of a row, if it is still the one that was read: optimistic
// locking, which GORM leaves to the application.
//
// GORM's own Save is not for that: where its UPDATE finds no row of that version, it goes
// on with INSERT ... ON CONFLICT DO UPDATE, and writes what was read earlier after all.
func Save(tx *gorm.DB, row versioned) error {
	version := row.version()
	read := *version
	*version = read + 1
	result := tx.Model(row).Where("version = ?", read).Select("*").Omit(clause.Associations).Updates(row)
	if result.Error == nil && result.RowsAffected > 0 {
		return nil
	}
	*version = read
	if result.Error == nil {
		return ErrStale
	}
	return result.Error
}
