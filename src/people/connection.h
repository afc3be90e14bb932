/*-------------------------------------------------------------------------
 *
 * connection.h
 *	  Whether a person can sit at the other end of the session.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_CONNECTION_H
#define PAYSAFE_CONNECTION_H

/*
 * Why nobody approves over this session, in a sentence, or NULL: it is a worker of the
 * server, or a connection that the server has made to itself.
 */
extern const char *paysafe_connection_of_server(void);

/*
 * Why its login alone shows nobody, or NULL: the same, or a network connection from the
 * server's own machine, of which nobody can say what has made it.
 */
extern const char *paysafe_connection_shows_nobody(void);

#endif							/* PAYSAFE_CONNECTION_H */
