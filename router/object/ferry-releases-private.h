/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* References to objects of another process that are dropped: told in order, and later where there is no room now.
 *
 * Owner:   counted references.
 * Threads: any. */

#pragma once

#include "call/ferry-transport.h"

G_BEGIN_DECLS

typedef struct _FerryReleases FerryReleases;

/* Takes a reference of the transport. */
FerryReleases *ferry_releases_new (FerryTransport *transport);
void ferry_releases_unref (FerryReleases *self);
/* count references that have arrived are dropped: to an object of that number, of an exporter of that generation. */
void ferry_releases_add (FerryReleases *self, guint64 generation, guint64 number, guint64 count);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryReleases, ferry_releases_unref)

G_END_DECLS
