/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A link of two pipes with both of its ends in this process, and messages with bytes that follow from their number.
 * There is no monitor: what it does when the doorbell rings, the tests do. */

#pragma once

#include <poll.h>

#include "ferry-test.h"
#include "lane/lane-fixture.h"
#include "link/ferry-downlink-private.h"

G_BEGIN_DECLS

#define MAX_MESSAGE 1000000

/* Messages between two threads. */
#define DOWN_MANY 200000
#define DOWN_WATCHDOG_SECONDS FERRY_TEST_TIMEOUT_SECONDS

typedef struct
{
  FerryLink *link;
  FerryUplink *uplink;
  FerryDownlink *downlink;
} DownEnds;

static inline void
down_ends_init (DownEnds *self, guint64 max_message_size)
{
  const guint64 connection_ids[] = {10, 11};
  const guint32 cells[] = {FERRY_NO_CELL, FERRY_NO_CELL};
  g_autoptr (GError) error = NULL;

  self->link = ferry_link_new ("test", connection_ids, cells, 2, TEST_CAPACITY, 0, max_message_size, &error);
  g_assert_no_error (error);
  self->link->local = TRUE;
  self->uplink = ferry_uplink_new_local (self->link, NULL, &error);
  g_assert_no_error (error);
  self->downlink = ferry_downlink_new (self->uplink);
}

static inline void
down_ends_clear (DownEnds *self)
{
  ferry_downlink_free (self->downlink);
  ferry_uplink_unref (self->uplink);
  g_assert_cmpint (atomic_load (&self->link->references), ==, 1);
  ferry_link_unref (self->link);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DownEnds, down_ends_clear)

static inline gint64
down_watchdog_time (void)
{
  return g_get_monotonic_time () + DOWN_WATCHDOG_SECONDS * G_USEC_PER_SEC;
}

/* Sends the message of that number, for pipe 10 or 11. */
static inline FerryDownResult
down_send (DownEnds *self, guint64 number, gsize size)
{
  g_autofree guint8 *data = g_malloc (size + 1);
  FerryPart parts[2] = {{data, size / 3}, {data + size / 3, size - size / 3}};

  for (gsize i = 0; i < size; i++)
    data[i] = test_byte (number, i);
  return ferry_link_send (self->link, 10 + number % 2, parts, 2);
}

/* Asserts that the message is the one of that number. */
static inline void
down_check (const FerryDownMessage *message, guint64 number, gsize size)
{
  g_assert_cmpuint (message->connection_id, ==, 10 + number % 2);
  g_assert_cmpuint (message->size, ==, size);
  g_assert_cmpuint ((guintptr) message->data % 8, ==, 0);
  for (gsize i = 0; i < size; i++)
    if (message->data[i] != test_byte (number, i))
      g_error ("Byte %" G_GSIZE_FORMAT " of message %" G_GUINT64_FORMAT " is wrong", i, number);
}

/* Whether the doorbell rang since it was asked last. */
static inline gboolean
down_doorbell_rang (DownEnds *self)
{
  guint64 rings;

  return read (self->link->doorbell, &rings, sizeof rings) == (gssize) sizeof rings;
}

static inline void
down_wait_for_doorbell (DownEnds *self)
{
  struct pollfd poll_fd = {.fd = self->link->doorbell, .events = POLLIN};

  g_assert_cmpint (poll (&poll_fd, 1, DOWN_WATCHDOG_SECONDS * 1000), ==, 1);
  g_assert_true (down_doorbell_rang (self));
}

static inline void
down_flush_if_rung (DownEnds *self)
{
  if (down_doorbell_rang (self))
    ferry_link_flush_down (self->link);
}

static inline void
down_wait_and_flush (DownEnds *self)
{
  down_wait_for_doorbell (self);
  ferry_link_flush_down (self->link);
}

/* Takes the message of that number, which must be there, or come when the lane is filled for the doorbell's ringing. */
static inline void
down_take (DownEnds *self, guint64 number, gsize size)
{
  FerryDownMessage message;
  FerryDownEvent event;

  down_flush_if_rung (self);
  while ((event = ferry_downlink_receive (self->downlink, 0, &message)) == FERRY_DOWN_EVENT_NOTHING)
    {
      g_assert_true (down_doorbell_rang (self));
      ferry_link_flush_down (self->link);
    }
  g_assert_cmpint (event, ==, FERRY_DOWN_EVENT_MESSAGE);
  down_check (&message, number, size);
}

static inline void
down_assert_nothing (DownEnds *self)
{
  FerryDownMessage message;

  g_assert_cmpint (ferry_downlink_receive (self->downlink, 0, &message), ==, FERRY_DOWN_EVENT_NOTHING);
}

/* Sends until nothing more is taken. */
static inline void
down_fill (DownEnds *self)
{
  while (down_send (self, 0, 1000) == FERRY_DOWN_SENT)
    ;
}

G_END_DECLS
