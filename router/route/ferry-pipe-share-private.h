/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a pipe and its sender in the application know of each other.
 *
 * Owner:   counted references: the pipe's, and the sender's.
 * Threads: any. */

#pragma once

#include "link/ferry-link-private.h"

G_BEGIN_DECLS

typedef struct _FerryPipeShare FerryPipeShare;

/* Who has a pipe's sender; agreed between the router's thread and whoever claims it by one compare and exchange. */
typedef enum
{
  FERRY_CLAIM_OPEN,    /* nobody yet */
  FERRY_CLAIM_CLAIMED, /* it was started here, or passed to a worker: the slot is in use until its link has ended */
  FERRY_CLAIM_CLOSED,  /* the pipe was closed before anybody had it */
} FerryClaim;

FerryPipeShare *ferry_pipe_share_new (void);
FerryPipeShare *ferry_pipe_share_ref (FerryPipeShare *self);
void ferry_pipe_share_unref (FerryPipeShare *self);

gboolean ferry_pipe_share_claim (FerryPipeShare *self, FerryClaim claim);
gboolean ferry_pipe_share_is_claimed_as (FerryPipeShare *self, FerryClaim claim);
void ferry_pipe_share_set_closed (FerryPipeShare *self);
gboolean ferry_pipe_share_is_closed (FerryPipeShare *self);
void ferry_pipe_share_set_link (FerryPipeShare *self, FerryLink *link);
FerryLink *ferry_pipe_share_get_link (FerryPipeShare *self);

G_END_DECLS
