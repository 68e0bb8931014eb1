/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "job/ferry-function.h"
#include "route/ferry-sender.h"

G_BEGIN_DECLS

#define FERRY_TYPE_JOB (ferry_job_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryJob, ferry_job, FERRY, JOB, GObject)

FERRY_AVAILABLE_IN_0_1
gboolean ferry_job_is_cancelled (FerryJob *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_job_is_repeated (FerryJob *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_job_check (FerryJob *self, GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_job_commit (FerryJob *self, GError **error);
FERRY_AVAILABLE_IN_0_1
GCancellable *ferry_job_get_cancellable (FerryJob *self);

FERRY_AVAILABLE_IN_0_1
int ferry_job_dup_descriptor (FerryJob *self, gint handle, GError **error);
FERRY_AVAILABLE_IN_0_1
GBytes *ferry_job_dup_bytes (FerryJob *self, gint handle, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
gint ferry_job_return_descriptor (FerryJob *self, int fd, GError **error);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_job_return_file (FerryJob *self, int fd, const GVariantType *type,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
FerryBuffer *ferry_job_create_buffer (FerryJob *self, gsize size, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_job_return_buffer (FerryJob *self, FerryBuffer *buffer);
FERRY_AVAILABLE_IN_0_1
FerrySender *ferry_job_get_sender (FerryJob *self, gint handle, GError **error) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
gboolean ferry_job_report (FerryJob *self, double fraction, const char *text, GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_job_report_amount (FerryJob *self, guint64 amount, guint64 total, const char *unit, const char *text,
                                  GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_job_begin_part (FerryJob *self, double weight);
FERRY_AVAILABLE_IN_0_1
void ferry_job_end_part (FerryJob *self);
FERRY_AVAILABLE_IN_0_1
void ferry_job_set_n_steps (FerryJob *self, guint n_steps);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_job_step (FerryJob *self, const char *text, GError **error);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_job_send (FerryJob *self, const char *type, GVariant *value, GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_job_send_partial_result (FerryJob *self, GVariant *value, GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_job_yield (FerryJob *self, GVariant *value, GError **error);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_job_ask (FerryJob *self, const char *question, GError **error);
FERRY_AVAILABLE_IN_0_1
int ferry_job_dup_answers (FerryJob *self, GError **error);

FERRY_AVAILABLE_IN_0_1
void ferry_job_set_error (FerryJob *self, GError **error, GQuark domain, int code, const char *format, ...)
  G_GNUC_PRINTF (5, 6);
FERRY_AVAILABLE_IN_0_1
void ferry_job_fail (FerryJob *self, const GError *error, const char *trace);

G_END_DECLS
