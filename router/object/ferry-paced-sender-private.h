/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sends a stream, and makes its items only when there is room for them. Until then their contents wait where later
 * contents can be joined to them.
 *
 * Owner:   counted references.
 * Threads: any; one at a time calls make. */

#pragma once

#include "call/ferry-invocation.h"

G_BEGIN_DECLS

typedef struct _FerryPacedSender FerryPacedSender;

typedef struct
{
  /* Returns (transfer floating) (nullable): the next item, NULL where there is nothing to send. */
  GVariant *(*make) (gpointer data);
  /* Called once, at the end: the stream is cancelled, its transport has ended, or ferry_paced_sender_end() is called.
   * It may be called in ferry_paced_sender_new(). */
  void (*gone) (gpointer data);
  /* Called with the last reference, after make and gone. */
  void (*destroy) (gpointer data);
} FerryPacedSenderFuncs;

/* Returns (transfer full). */
FerryPacedSender *ferry_paced_sender_new (FerryInvocation *invocation, const FerryPacedSenderFuncs *funcs,
                                          gpointer data);
FerryPacedSender *ferry_paced_sender_ref (FerryPacedSender *self);
void ferry_paced_sender_unref (FerryPacedSender *self);
gpointer ferry_paced_sender_get_data (FerryPacedSender *self);
/* Tells that make has something to send. */
void ferry_paced_sender_kick (FerryPacedSender *self);
/* Ends the stream, unless it has ended. */
void ferry_paced_sender_end (FerryPacedSender *self, const GError *reason);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPacedSender, ferry_paced_sender_unref)

G_END_DECLS
