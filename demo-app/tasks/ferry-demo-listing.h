/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean ferry_demo_is_sha256 (const char *digest);
void ferry_demo_listing_append (GString *listing, const char *digest, const char *path);

G_END_DECLS
