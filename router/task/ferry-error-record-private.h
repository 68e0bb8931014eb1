/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "task/ferry-error-list.h"

G_BEGIN_DECLS

/* Takes the error. phase and trace are (nullable). */
FerryErrorRecord *ferry_error_record_new (const char *phase, GError *error, const char *trace);

G_END_DECLS
