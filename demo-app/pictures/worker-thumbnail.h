/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gdk-pixbuf/gdk-pixbuf.h>

G_BEGIN_DECLS

/* Larger pictures are refused before any memory is taken for their pixels. */
#define FERRY_DEMO_THUMBNAIL_MAX_PIXELS G_GUINT64_CONSTANT (100000000)

/* Reads a picture to its end, from where the descriptor is. Neither side is longer than 'side', or than the picture's
 * own. The thumbnail stands as its camera was held. From any thread. */
GdkPixbuf *ferry_demo_thumbnail_decode (int descriptor, guint side, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
