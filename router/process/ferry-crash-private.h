/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker tells of its own crash. */

#pragma once

#include "base/ferry-base-private.h"
#include "wire/ferry-lane-layout.h"

G_BEGIN_DECLS

/* Has the signals of a crash tell the application where this process was, over its control socket, and the signal that
 * asks for it. The words of the link stay mapped for as long as the process lives. Signals that the program has chosen
 * an action for are left alone. On the thread that attaches. */
void ferry_crash_install (int control, const FerryLinkControl *link);
/* The same in a fork server, where the handlers tell nothing: for those that its program installs over them, as the
 * workers inherit what those know of the handlers before them. */
void ferry_crash_prepare (void);
/* Puts the handler of the signal that asks in front of the one which the program has installed by now: that one is
 * called by questions first, and by nothing else. Python's prints its stack. */
FERRY_FOR_SIBLINGS
void ferry_crash_lead (void);

G_END_DECLS
