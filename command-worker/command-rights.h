/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What belongs to a file beside its content: owner, rights, access control list, extended attributes. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Gives a file what another one has, as far as this user may, and never more rights. The descriptors may be of O_PATH.
 */
void command_rights_copy (int from, int to);

G_END_DECLS
