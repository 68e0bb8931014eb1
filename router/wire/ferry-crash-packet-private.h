/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The packet by which a worker says where it was when a signal came. */

#pragma once

#include <glib.h>

#include "wire/ferry-lane-layout.h"

G_BEGIN_DECLS

typedef struct
{
  int signal; /* FERRY_WHERE_SIGNAL: the worker was asked; else the signal that ends it */
  int code;   /* si_code */
  gboolean has_address;
  guint64 address; /* that the worker has used, where it may not */
  guint n_frames;
  FerryCrashFrame frames[FERRY_MAX_CRASH_FRAMES]; /* the innermost first */
  GStrv modules;                                  /* (owned): names of files, as the worker says; bytes of any kind */
  FerryCrashModule identities[FERRY_MAX_CRASH_MODULES]; /* of the same files */
} FerryCrashPacket;

/* Returns (transfer full) the packet, or NULL with FERRY_ERROR_PROTOCOL. size: of the whole packet, of which data has
 * up to FERRY_MAX_CRASH_SIZE bytes. */
FerryCrashPacket *ferry_crash_packet_parse (gconstpointer data, gsize size, GError **error);
void ferry_crash_packet_free (FerryCrashPacket *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryCrashPacket, ferry_crash_packet_free)

G_END_DECLS
