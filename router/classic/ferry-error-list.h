/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-classic.h>, not this header."
#endif

#include <ferry.h>

G_BEGIN_DECLS

#define FERRY_TYPE_ERROR_RECORD (ferry_error_record_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryErrorRecord, ferry_error_record, FERRY, ERROR_RECORD, GObject)

#define FERRY_TYPE_ERROR_LIST (ferry_error_list_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryErrorList, ferry_error_list, FERRY, ERROR_LIST, GObject)

FERRY_AVAILABLE_IN_0_1
FerryErrorList *ferry_error_list_new (void) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_error_list_add_filter (FerryErrorList *self, GQuark domain, int code);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_error_list_add (FerryErrorList *self, const char *phase, const GError *error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_error_list_take (FerryErrorList *self, const char *phase, GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_error_list_add_variant (FerryErrorList *self, GVariant *variant, GError **error);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_error_list_to_variant (FerryErrorList *self) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
gboolean ferry_error_list_raise_any (FerryErrorList *self, const char *phase, GError **error);
FERRY_AVAILABLE_IN_0_1
FerryErrorRecord *ferry_error_list_get_first (FerryErrorList *self, const char *phase);
FERRY_AVAILABLE_IN_0_1
void ferry_error_list_clear (FerryErrorList *self, const char *phase);

G_END_DECLS
