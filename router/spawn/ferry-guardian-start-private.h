/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starting a guardian. */

#pragma once

#include "link/ferry-guardian-private.h"

G_BEGIN_DECLS

/* A FerryGuardianStartFunc. */
gboolean ferry_guardian_start (FerryGuardian *self, GError **error);

G_END_DECLS
