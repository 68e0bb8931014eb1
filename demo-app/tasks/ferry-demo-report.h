/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "tasks/ferry-demo-spec.h"

G_BEGIN_DECLS

/* What a job's function has said on its way to the result, beside how far it is.
 *
 * Trust: none. It comes from another process; what does not fit the job is an error, after which the worker is not
 *        listened to. */
typedef struct
{
  GString *listing;
  guint64 digests;
  guint64 problems;
  char *first_problem;
  guint64 received; /* messages of a flood */

  gboolean has_result;
  guint64 result[2]; /* with the job's meaning */
} FerryDemoReport;

void ferry_demo_report_init (FerryDemoReport *self);
void ferry_demo_report_clear (FerryDemoReport *self);
gboolean ferry_demo_report_take_digest (FerryDemoReport *self, const FerryDemoSpec *spec, GVariant *value,
                                        GError **error);
gboolean ferry_demo_report_take_message (FerryDemoReport *self, const FerryDemoSpec *spec, const char *type,
                                         GVariant *value, gint64 *sent, GError **error);
gboolean ferry_demo_report_take_result (FerryDemoReport *self, const FerryDemoSpec *spec, GVariant *value,
                                        GError **error);

G_END_DECLS
