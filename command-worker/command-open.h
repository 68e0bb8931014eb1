/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opens the files of a command's streams. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Opens a file as open() does, with O_CLOEXEC and O_NOCTTY. Who opens a FIFO waits for somebody who opens its other
 * end; this one does until one of two descriptors is readable. Returns -1 with errno; ECANCELED: one is. */
int command_open (const char *path, int flags, const int stops[2]);

G_END_DECLS
