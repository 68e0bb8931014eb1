/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tests of messages share. */

#pragma once

#include "route/route-test.h"

G_BEGIN_DECLS

#define MESSAGES_TEST_LARGE_SIZE (5 * 1024 * 1024)

/* A pipe with messages that come through the signal, and are kept. */
typedef struct
{
  FerryRouter *router;
  FerrySender *sender;     /* (owned) */
  FerryReceiver *receiver; /* (owned) */
  FerryBuffer *buffer;     /* (owned) (nullable) */
  GPtrArray *messages;     /* (owned) (element-type GVariant) */
  guint wanted;
} MessagesTest;

MessagesTest *messages_test_new (void);
MessagesTest *messages_test_new_with (guint64 lane_capacity, guint64 max_message_size);
/* in_buffers: large messages go in buffers as long as there are some. */
MessagesTest *messages_test_new_for_large (gconstpointer in_buffers);
void messages_test_free (MessagesTest *self);
/* Large messages go in pieces as long as it lives: there is no other buffer to spare. */
FerryBuffer *messages_test_use_up_buffers (FerrySender *sender);
/* Of the signal; user_data: the scene. */
void messages_test_message_cb (FerryReceiver *receiver, GVariant *message, gpointer user_data);
void messages_test_wait (MessagesTest *self, guint n);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MessagesTest, messages_test_free)

G_END_DECLS
