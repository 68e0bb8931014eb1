/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gdk-pixbuf/gdk-pixbuf.h>

G_BEGIN_DECLS

/* The decoder of pictures, which knows nothing of processes or displays. */

/* Pictures that are larger are refused before memory is taken for their pixels. */
#define FERRY_DEMO_THUMBNAIL_MAX_PIXELS G_GUINT64_CONSTANT (100000000)

/* Reads a picture to its end, from where the descriptor is; width and height are side at most, and never more than the
 * picture's own. It stands as its camera was held. From any thread. */
GdkPixbuf *ferry_demo_thumbnail_decode_file (int descriptor, guint side, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
