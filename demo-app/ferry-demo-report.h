/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "ferry-demo-spec.h"

G_BEGIN_DECLS

/* What a worker has said so far.
 *
 * Trust:      none. A message that does not fit the job is an error, after which the worker is not listened to.
 * Invariants: done <= total and items_done <= items_total unless that total is 0, which means not known. */
typedef struct
{
  guint64 messages;
  guint64 done, total;
  guint64 items_done, items_total;
  char *doing;

  GString *listing;
  guint64 digests;
  guint64 problems;
  char *first_problem;

  gboolean has_result;
  guint64 result[2];
} FerryDemoReport;

void ferry_demo_report_init (FerryDemoReport *self, const FerryDemoSpec *spec);
void ferry_demo_report_clear (FerryDemoReport *self);
gboolean ferry_demo_report_take (FerryDemoReport *self, const FerryDemoSpec *spec, gconstpointer data, gsize size,
                                 const GVariantType *type, gint64 *sent, GError **error);
double ferry_demo_report_get_fraction (const FerryDemoReport *self);

G_END_DECLS
