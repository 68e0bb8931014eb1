/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-classic.h>, not this header."
#endif

#include <ferry-objects.h>

G_BEGIN_DECLS

#define FERRY_TYPE_DICTIONARY (ferry_dictionary_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryDictionary, ferry_dictionary, FERRY, DICTIONARY, GObject)

FERRY_AVAILABLE_IN_0_1
FerryDictionary *ferry_dictionary_new (void) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_dictionary_get (FerryDictionary *self, const char *key);
FERRY_AVAILABLE_IN_0_1
void ferry_dictionary_set (FerryDictionary *self, const char *key, GVariant *value);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_dictionary_remove (FerryDictionary *self, const char *key);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_dictionary_contains (FerryDictionary *self, const char *key);
FERRY_AVAILABLE_IN_0_1
guint ferry_dictionary_get_length (FerryDictionary *self);
FERRY_AVAILABLE_IN_0_1
char **ferry_dictionary_get_keys (FerryDictionary *self);

FERRY_AVAILABLE_IN_0_1
FerryInterface *ferry_dictionary_create_interface (const char *name) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
