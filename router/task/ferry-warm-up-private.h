/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* a child in spare: serves a call that nobody asked, over a link of its own. */
void ferry_warm_up (void);

G_END_DECLS
