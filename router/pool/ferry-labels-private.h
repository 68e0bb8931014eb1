/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Labels: what hosts have, and what tasks need. Any thread. */

#pragma once

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

/* How many characters a label has at most, and how many labels a host or a task. */
#define FERRY_MAX_LABEL 64
#define FERRY_MAX_LABELS 32

/* Whether there are no more of them than may be, and each has 1 to FERRY_MAX_LABEL of A-Z, a-z, 0-9, '_', '-' and '.'.
 * Fails with FERRY_ERROR_BAD_ARGUMENTS. labels: (nullable). whose: for the error, such as "Task 'x' needs". */
FERRY_FOR_SIBLINGS
gboolean ferry_labels_check (const char *const *labels, const char *whose, GError **error);
/* Whether all that is needed is there. Both are (nullable): none. */
FERRY_FOR_SIBLINGS
gboolean ferry_labels_have (const char *const *labels, const char *const *needed);
/* The order in which both are sorted: less than 0, 0 or more. Both are (nullable). */
int ferry_labels_compare (const char *const *one, const char *const *other);
/* Returns (transfer full) such as "the label 'gpu'" or "the labels 'gpu' and 'nvme'". */
FERRY_FOR_SIBLINGS
char *ferry_labels_describe (const char *const *labels);

G_END_DECLS
