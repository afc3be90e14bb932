/*-------------------------------------------------------------------------
 *
 * test_database.h
 *	  Databases in which tests empty protected tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_TEST_DATABASE_H
#define PAYSAFE_TEST_DATABASE_H

/*
 * Is this database declared a test database?  Then TRUNCATE empties protected
 * tables, and nothing else is different.
 */
extern bool paysafe_test_database_is_declared(void);

#endif							/* PAYSAFE_TEST_DATABASE_H */
