/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Items of a stream that are made when there is room for them, and not before: what there is to tell waits where it
 * can be joined with what comes after it.
 *
 * Owner:   counted references; the one of whoever made it, until the end.
 * Threads: any; make is called by one at a time. */

#pragma once

#include "call/ferry-invocation.h"

G_BEGIN_DECLS

typedef struct _FerryPacedSender FerryPacedSender;

typedef struct
{
  /* Returns (transfer floating) (nullable): what is to be told now, NULL where there is nothing. */
  GVariant *(*make) (gpointer data);
  /* Called once, at its end: the stream was cancelled, its transport has ended, or ferry_paced_sender_end() was called.
   * It may be called in ferry_paced_sender_new(). */
  void (*gone) (gpointer data);
  /* Called with the last reference: make and gone are called no more. */
  void (*destroy) (gpointer data);
} FerryPacedSenderFuncs;

/* Returns (transfer full). */
FerryPacedSender *ferry_paced_sender_new (FerryInvocation *invocation, const FerryPacedSenderFuncs *funcs,
                                          gpointer data);
FerryPacedSender *ferry_paced_sender_ref (FerryPacedSender *self);
void ferry_paced_sender_unref (FerryPacedSender *self);
gpointer ferry_paced_sender_get_data (FerryPacedSender *self);
/* There is something to tell. */
void ferry_paced_sender_kick (FerryPacedSender *self);
/* Ends the stream, unless it has its end. */
void ferry_paced_sender_end (FerryPacedSender *self, const GError *reason);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPacedSender, ferry_paced_sender_unref)

G_END_DECLS
