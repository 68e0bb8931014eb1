/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The keys of NATS: Ed25519, written in base32 with a check sum.
 *
 * Threads: any. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Returns (transfer full) (nullable) the public key that belongs to the seed of a user; NULL: it is no such seed. */
char *ferry_nkey_dup_public (const char *seed);

G_END_DECLS
