/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The way of answers from an application to the function that asks: a pair of sockets of each attempt, whose other end
 * the worker gets with the call. An answer is a packet, and goes from the application's memory into the kernel's. So it
 * is in no lane, message, log or trace, and is kept nowhere.
 *
 * Threads: the router's.
 * Trust:   a worker that reads no answers makes a send fail, and nothing wait. */

#include "config.h"

#include "task/ferry-task-private.h"

#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-handshake-private.h"

/* In bytes: as much as a terminal takes as a line. */
#define MAX_ANSWER 4096

void
ferry_task_answers_clear (FerryTaskAnswers *self)
{
  ferry_clear_fd (&self->sending);
  ferry_clear_fd (&self->other);
}

int
ferry_task_answers_begin_attempt (FerryTaskAnswers *self, GError **error)
{
  if (self->other >= 0)
    return self->other;
  ferry_task_answers_clear (self);
  return ferry_control_socket_pair (&self->sending, &self->other, error) ? self->other : -1;
}

void
ferry_task_answers_note_sent (FerryTaskAnswers *self)
{
  ferry_clear_fd (&self->other);
}

void
ferry_task_answers_end_attempt (FerryTaskAnswers *self)
{
  if (self->other < 0)
    ferry_task_answers_clear (self);
}

gboolean
ferry_task_answers_send (FerryTaskAnswers *self, gconstpointer bytes, gsize size, GError **error)
{
  gssize sent = 0;

  if (size > MAX_ANSWER)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "An answer has at most %d bytes; give what is larger as the input of the program",
                            MAX_ANSWER);
  if (bytes == NULL)
    shutdown (self->sending, SHUT_WR);
  else
    sent = TEMP_FAILURE_RETRY (send (self->sending, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL));
  if (sent >= 0)
    return TRUE;
  if (errno == EPIPE || errno == ECONNRESET)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "Nobody reads answers any more; the program has ended, or will");
  if (errno == EAGAIN)
    return ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK,
                            "The program has not read the answers that were given; answer when it asks");
  return ferry_set_system_error (error, "Answering a program (send)");
}
