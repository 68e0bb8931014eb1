/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What lines up to be sent over a channel: a message, or the end.
 *
 * Owner:   counted references: of `out`, of a transaction that waits for the acknowledgement, of who waits.
 * Threads: any. */

#pragma once

#include "channel/ferry-channel-private.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_OUTGOING_QUEUED,  /* in `out` */
  FERRY_OUTGOING_SENDING, /* the pump is at it, and nobody else touches it */
  FERRY_OUTGOING_SENT,    /* and to be acknowledged */
  FERRY_OUTGOING_DONE,    /* the pump, its acknowledgement or whoever took it back has ended it */
} FerryOutgoingState;

struct _FerryOutgoing
{
  _Atomic gint references;
  FerryChannel *channel; /* (unowned): who waits has a reference, and so has a transaction */
  const char *method;    /* const, as the next three */
  GVariant *value;       /* (owned) (nullable) */
  gboolean acknowledged;
  GTask *task;              /* (owned) (nullable): none where a thread waits, and for the end */
  GSource *source;          /* (owned) (nullable): task's: of its cancellable */
  FerryOutgoingState state; /* channel's lock, as what follows */
  gboolean given_up;        /* while it was being sent */
  guint64 xid;              /* once it is FERRY_OUTGOING_SENT */
  GError *error;            /* (owned) (nullable): once it is FERRY_OUTGOING_DONE */
};

FerryOutgoing *ferry_outgoing_new (FerryChannel *channel, const char *method, GVariant *value, gboolean acknowledged);
FerryOutgoing *ferry_outgoing_ref (FerryOutgoing *self);
/* Not with the lock held: the task's reference to the channel may be the last one. */
void ferry_outgoing_unref (gpointer data);
gboolean ferry_outgoing_is_end (FerryOutgoing *self);
/* lock is held; takes error over. */
void ferry_outgoing_end_locked (FerryOutgoing *self, GError *error);
/* Without the lock, once it is FERRY_OUTGOING_DONE: lets whoever does not wait on a thread know. */
void ferry_outgoing_return (FerryOutgoing *self);
/* Takes the right to end it. Returns FALSE when it has its end, or will have it soon. */
gboolean ferry_outgoing_take_back (FerryOutgoing *self);

/* lock is held: tells whoever found the channel not writable. */
void ferry_channel_tell_writable_locked (FerryChannel *self);
gboolean ferry_channel_is_writable_locked (FerryChannel *self);
/* Sends an end past the channel. Fails with FERRY_ERROR_WOULD_BLOCK. */
gboolean ferry_channel_transmit_end (FerryTransport *transport, gboolean of_link, GVariant *value, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryOutgoing, ferry_outgoing_unref)

G_END_DECLS
