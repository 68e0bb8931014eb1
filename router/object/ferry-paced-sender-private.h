/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sender of changes, for subscriptions and watches. */

#pragma once

#include "conversation/ferry-invocation.h"

G_BEGIN_DECLS

typedef struct _FerryPacedSender FerryPacedSender;

typedef struct
{
  /* Returns (transfer full) (nullable): the next item; NULL when there is nothing to send. */
  GVariant *(*make) (gpointer data);
  /* Called once, when the stream has ended: it was cancelled, its transport has ended, or ferry_paced_sender_end()
   * was called. It may be called during ferry_paced_sender_new(). */
  void (*gone) (gpointer data);
  /* Called when the last reference is dropped, after the last call of make and gone. Frees data. */
  void (*destroy) (gpointer data);
} FerryPacedSenderFuncs;

/* Returns (transfer full): a sender that answers the invocation with a stream. Takes data. */
FerryPacedSender *ferry_paced_sender_new (FerryInvocation *invocation, const FerryPacedSenderFuncs *funcs,
                                          gpointer data);
FerryPacedSender *ferry_paced_sender_ref (FerryPacedSender *self);
void ferry_paced_sender_unref (FerryPacedSender *self);
gpointer ferry_paced_sender_get_data (FerryPacedSender *self);
/* Must be called when make may have something to send. */
void ferry_paced_sender_kick (FerryPacedSender *self);
/* Ends the stream with reason, unless it has ended. */
void ferry_paced_sender_end (FerryPacedSender *self, const GError *reason);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPacedSender, ferry_paced_sender_unref)

G_END_DECLS
