/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The texts of this library in the language of the user. The library has a gettext domain of its own, so that any
 * application shows them translated. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* any: the translation, which is valid for good. */
const char *ferry_gtk_gettext (const char *text) G_GNUC_FORMAT (1);
const char *ferry_gtk_ngettext (const char *one, const char *many, gulong n) G_GNUC_FORMAT (1) G_GNUC_FORMAT (2);

/* any: the unit of an amount, which is the application's to translate, or else one of the usual units; else the unit.
 */
const char *ferry_gtk_translate_unit (const char *unit);

/* any: binds the domain to its folder, once. What reads texts by other ways, such as a template, calls this first. */
void ferry_gtk_bind_domain (void);

#define _(text) ferry_gtk_gettext (text)
/* For a text that is looked up later. */
#define N_(text) text
#define NC_(context, text) text

G_END_DECLS
