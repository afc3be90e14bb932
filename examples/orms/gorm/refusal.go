package shop

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Refusal is what paysafe has refused, for an answer of 409 or 422 instead of 500.
type Refusal struct {
	SQLState, Constraint, Table, Column, Message, Detail, Hint string
}

// RefusalOf returns nil for any other error.
//
// pgx has all fields of it, and GORM hands its error on, as long as TranslateError is not
// set: that replaces some (23505, 23514) by errors without fields.
func RefusalOf(err error) *Refusal {
	var found *pgconn.PgError
	if !errors.As(err, &found) || !strings.HasPrefix(found.ConstraintName, "paysafe_") {
		return nil
	}
	return &Refusal{found.Code, found.ConstraintName, found.TableName, found.ColumnName,
		found.Message, found.Detail, found.Hint}
}

// IsWorthAnotherTry says so of a deadlock, and of a row that somebody else has changed
// meanwhile: 40P01, 40001.
func IsWorthAnotherTry(err error) bool {
	var found *pgconn.PgError
	return errors.As(err, &found) && strings.HasPrefix(found.Code, "40")
}
