/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks at the windows of a program that knows nothing of it, and does there what a person would do.
 *
 * It is preloaded, and begins when the program presents its first window. FERRY_WATCHER is the number of a socket, over
 * which a test sends a line for each thing to do; each is answered by lines, of which the last one is "done" or says
 * why not. Without a test, FERRY_WATCHER_SHOT is the name of a picture: it is taken of the newest window now and then,
 * as a program may end at any moment, and for the last time before the windows are closed. With FERRY_WATCHER_SECONDS,
 * the last one is taken after that time, and the program is ended, whatever it is at. FERRY_WATCHER_WORDS is the name
 * of a file for the words on that picture, which is written with it.
 *
 *     look               a line for each window, and for each widget in sight that says something
 *     click LABEL        a button
 *     act ACTION         what a key or a menu does, such as job.clear, or job.add-one::crash; also one of a list
 *     type TEXT          into the first entry, or row with an entry, and Enter
 *     slide NUMBER       the first scale
 *     drop PATH          a file or a folder, into the first widget that takes files
 *     open               what is behind the first button with a menu
 *     shoot FILE         a picture of the window that was presented last, or of another if that is closed
 *     close TITLE        a window */

#include <dlfcn.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <gmodule.h>
#include <gtk/gtk.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES_BEFORE_CLOSE 60
#define FRAMES_BETWEEN_SHOTS 10

/* Between two looks the program goes on for so long. */
#define LOOK_MILLISECONDS 10

static FILE *orders; /* what the test says */
static FILE *answers;
static GtkWindow *newest; /* (weak) */
static gint64 presented;  /* when the first window was */

/* ---- what is seen ---- */

typedef gboolean (*Visit) (GtkWidget *widget, gpointer data);

/* Visits the mapped widgets until a visit returns TRUE. Returns whether one did. */
static gboolean
visit_widgets (GtkWidget *widget, Visit visit, gpointer data)
{
  if (!gtk_widget_get_mapped (widget))
    return FALSE;
  if (visit (widget, data))
    return TRUE;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    if (visit_widgets (child, visit, data))
      return TRUE;
  return FALSE;
}

static gboolean
visit_windows (Visit visit, gpointer data)
{
  GListModel *windows = gtk_window_get_toplevels ();
  gboolean found = FALSE;

  for (guint i = 0; i < g_list_model_get_n_items (windows) && !found; i++)
    {
      g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

      found = visit_widgets (window, visit, data);
    }
  return found;
}

static void
say (const char *what, const char *text)
{
  g_autofree char *line = g_strdelimit (g_strdup (text != NULL ? text : ""), "\n", ' ');

  fprintf (answers, "%s %s\n", what, line);
}

/* What a screen reader would not know how to call is said to have no name. */
static void
say_figures (GtkWidget *widget, const char *what, const char *figures)
{
  GtkAccessible *accessible = GTK_ACCESSIBLE (widget);
  gboolean has_name = gtk_test_accessible_has_property (accessible, GTK_ACCESSIBLE_PROPERTY_LABEL) ||
                      gtk_test_accessible_has_property (accessible, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION) ||
                      gtk_test_accessible_has_relation (accessible, GTK_ACCESSIBLE_RELATION_LABELLED_BY);

  fprintf (answers, "%s%s %s\n", what, has_name ? "" : " without a name", figures);
}

static void
tell_picture (GtkWidget *widget)
{
  GdkPaintable *paintable = gtk_picture_get_paintable (GTK_PICTURE (widget));
  g_autofree char *size = NULL;

  if (paintable == NULL)
    return;
  size = g_strdup_printf ("%d x %d", gdk_paintable_get_intrinsic_width (paintable),
                          gdk_paintable_get_intrinsic_height (paintable));
  say_figures (widget, "picture", size);
}

static void
tell_figure (GtkWidget *widget, const char *what, double figure)
{
  g_autofree char *text = g_strdup_printf ("%.2f", figure);

  say_figures (widget, what, text);
}

/* (nullable) */
static const char *
find_words (GtkButton *button)
{
  GtkWidget *child = gtk_button_get_child (button);

  return GTK_IS_LABEL (child) ? gtk_label_get_label (GTK_LABEL (child)) : gtk_button_get_label (button);
}

static gboolean
tell (GtkWidget *widget, gpointer data)
{
  if (GTK_IS_WINDOW (widget))
    say ("window", gtk_window_get_title (GTK_WINDOW (widget)));
  else if (GTK_IS_LABEL (widget) && gtk_widget_get_ancestor (widget, GTK_TYPE_BUTTON) == NULL)
    say ("label", gtk_label_get_text (GTK_LABEL (widget)));
  else if (GTK_IS_INSCRIPTION (widget))
    say ("label", gtk_inscription_get_text (GTK_INSCRIPTION (widget)));
  else if (GTK_IS_BUTTON (widget) && find_words (GTK_BUTTON (widget)) != NULL)
    say (gtk_widget_is_sensitive (widget) ? "button" : "insensitive button", find_words (GTK_BUTTON (widget)));
  else if (GTK_IS_PROGRESS_BAR (widget))
    tell_figure (widget, "bar", gtk_progress_bar_get_fraction (GTK_PROGRESS_BAR (widget)));
  else if (GTK_IS_SCALE (widget))
    tell_figure (widget, "scale", gtk_range_get_value (GTK_RANGE (widget)));
  else if (GTK_IS_ENTRY (widget))
    say_figures (widget, "entry", gtk_editable_get_text (GTK_EDITABLE (widget)));
  else if (GTK_IS_PICTURE (widget))
    tell_picture (widget);
  else if (GTK_IS_IMAGE (widget) && gtk_widget_get_tooltip_text (widget) != NULL)
    say ("image", gtk_widget_get_tooltip_text (widget));
  return FALSE;
}

/* ---- what is done ---- */

/* A button with a picture is known by its action. */
static gboolean
click (GtkWidget *widget, gpointer name)
{
  if (!GTK_IS_BUTTON (widget) || !gtk_widget_is_sensitive (widget) ||
      (g_strcmp0 (find_words (GTK_BUTTON (widget)), name) != 0 &&
       g_strcmp0 (gtk_actionable_get_action_name (GTK_ACTIONABLE (widget)), name) != 0))
    return FALSE;
  g_signal_emit_by_name (widget, "clicked");
  return TRUE;
}

static gboolean
act (GtkWidget *widget, gpointer action)
{
  g_autoptr (GVariant) target = NULL;
  g_autofree char *name = NULL;

  return (GTK_IS_WINDOW (widget) || g_str_equal (G_OBJECT_TYPE_NAME (widget), "FerryTaskList")) &&
         g_action_parse_detailed_name (action, &name, &target, NULL) &&
         gtk_widget_activate_action_variant (widget, name, target);
}

static gboolean
type (GtkWidget *widget, gpointer text)
{
  if (!GTK_IS_ENTRY (widget) && !GTK_IS_TEXT (widget))
    return FALSE;
  gtk_editable_set_text (GTK_EDITABLE (widget), text);
  g_signal_emit_by_name (widget, "activate");
  return TRUE;
}

static gboolean
slide (GtkWidget *widget, gpointer number)
{
  if (!GTK_IS_SCALE (widget))
    return FALSE;
  gtk_range_set_value (GTK_RANGE (widget), g_ascii_strtod (number, NULL));
  return TRUE;
}

static gboolean
takes_files (GtkDropTarget *target)
{
  gsize n;
  const GType *types = gtk_drop_target_get_gtypes (target, &n);

  for (gsize i = 0; i < n; i++)
    if (types[i] == GDK_TYPE_FILE_LIST)
      return TRUE;
  return FALSE;
}

static gboolean
drop (GtkWidget *widget, gpointer path)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  GSList files = {file, NULL};
  gboolean taken = FALSE;

  for (guint i = 0; i < g_list_model_get_n_items (controllers) && !taken; i++)
    {
      g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);
      g_auto (GValue) value = G_VALUE_INIT;

      if (!GTK_IS_DROP_TARGET (controller) || !takes_files (GTK_DROP_TARGET (controller)))
        continue;
      g_value_init (&value, GDK_TYPE_FILE_LIST);
      g_value_take_boxed (&value, gdk_file_list_new_from_list (&files));
      g_signal_emit_by_name (controller, "drop", &value, 0.0, 0.0, &taken);
    }
  return taken;
}

static gboolean
open_menu (GtkWidget *widget, gpointer nothing)
{
  if (!GTK_IS_MENU_BUTTON (widget))
    return FALSE;
  gtk_menu_button_popup (GTK_MENU_BUTTON (widget));
  return TRUE;
}

static gboolean
close_window (GtkWidget *widget, gpointer title)
{
  if (!GTK_IS_WINDOW (widget) || g_strcmp0 (gtk_window_get_title (GTK_WINDOW (widget)), title) != 0)
    return FALSE;
  gtk_window_close (GTK_WINDOW (widget));
  return TRUE;
}

/* (transfer full) (nullable): the window that was presented last, or another one if that is closed. */
static GtkWidget *
find_window (void)
{
  return newest != NULL ? g_object_ref (GTK_WIDGET (newest)) : g_list_model_get_item (gtk_window_get_toplevels (), 0);
}

static gboolean
shoot (const char *path)
{
  g_autoptr (GdkPaintable) paintable = NULL;
  g_autoptr (GskRenderNode) node = NULL;
  g_autoptr (GdkTexture) texture = NULL;
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  g_autoptr (GtkWidget) window = find_window ();
  GskRenderer *renderer = window != NULL ? gtk_native_get_renderer (GTK_NATIVE (window)) : NULL;

  if (renderer != NULL)
    {
      paintable = gtk_widget_paintable_new (window);
      gdk_paintable_snapshot (paintable, snapshot, gdk_paintable_get_intrinsic_width (paintable),
                              gdk_paintable_get_intrinsic_height (paintable));
    }
  node = gtk_snapshot_free_to_node (snapshot);
  if (node == NULL)
    return FALSE;
  texture = gsk_renderer_render_texture (renderer, node, NULL);
  return gdk_texture_save_to_png (texture, path);
}

/* A line for each text that can be read, in the order in which a screen reader has them. */
static gboolean
write_words (GtkWidget *widget, gpointer file)
{
  const char *text = NULL;

  if (GTK_IS_LABEL (widget))
    text = gtk_label_get_text (GTK_LABEL (widget));
  else if (GTK_IS_INSCRIPTION (widget))
    text = gtk_inscription_get_text (GTK_INSCRIPTION (widget));
  if (text != NULL && *text != '\0')
    fprintf (file, "%s\n", text);
  return FALSE;
}

static gboolean
shoot_with_words (void)
{
  const char *words = g_getenv ("FERRY_WATCHER_WORDS");
  g_autoptr (GtkWidget) window = find_window ();
  FILE *file;

  if (!shoot (g_getenv ("FERRY_WATCHER_SHOT")))
    return FALSE;
  file = words != NULL ? fopen (words, "w") : NULL;
  if (file == NULL)
    return words == NULL;
  visit_widgets (window, write_words, file);
  fclose (file);
  return TRUE;
}

static gboolean
obey (const char *order, char *argument)
{
  static const struct
  {
    const char *order;
    Visit visit;
  } deeds[] = {{"click", click}, {"act", act},        {"drop", drop},         {"type", type},
               {"slide", slide}, {"open", open_menu}, {"close", close_window}};

  if (g_str_equal (order, "shoot"))
    return shoot (argument);
  for (guint i = 0; i < G_N_ELEMENTS (deeds); i++)
    if (g_str_equal (order, deeds[i].order))
      return visit_windows (deeds[i].visit, argument);
  return FALSE;
}

static gboolean
look (gpointer data)
{
  visit_windows (tell, NULL);
  fputs ("done\n", answers);
  fflush (answers);
  return G_SOURCE_REMOVE;
}

static gboolean
order_came (int fd, GIOCondition condition, gpointer data)
{
  char line[1024];
  char *argument;

  if (fgets (line, sizeof line, orders) == NULL)
    exit (1); /* the test has ended, and nobody would look at the program any more */
  g_strchomp (line);
  argument = strchr (line, ' ');
  if (argument != NULL)
    *argument++ = '\0';
  if (g_str_equal (line, "look"))
    {
      g_timeout_add (LOOK_MILLISECONDS, look, NULL);
      return G_SOURCE_CONTINUE;
    }
  fputs (obey (line, argument) ? "done\n" : "there is nothing of that\n", answers);
  fflush (answers);
  return G_SOURCE_CONTINUE;
}

/* ---- the beginning ---- */

/* Behind the painting, when nothing of the window waits to be painted again; else there is no picture until there is.
 */
static void
frame_painted (GdkFrameClock *clock, gpointer data)
{
  static guint n_frames;
  static guint next_shot = FRAMES_BETWEEN_SHOTS;

  const char *seconds = g_getenv ("FERRY_WATCHER_SECONDS");

  if (newest == NULL || ++n_frames < next_shot || !shoot_with_words ())
    return;
  next_shot = n_frames + FRAMES_BETWEEN_SHOTS;
  if (seconds != NULL && g_get_monotonic_time () - presented > atoi (seconds) * G_USEC_PER_SEC)
    exit (0);
  if (seconds != NULL || n_frames < FRAMES_BEFORE_CLOSE)
    return;
  gdk_frame_clock_end_updating (clock);
  gtk_window_close (newest);
}

static void
await_shot (void)
{
  GdkFrameClock *clock = gtk_widget_get_frame_clock (GTK_WIDGET (newest));

  g_signal_connect (clock, "after-paint", G_CALLBACK (frame_painted), NULL);
  gdk_frame_clock_begin_updating (clock);
}

static void
begin (void)
{
  const char *fd = g_getenv ("FERRY_WATCHER");

  if (g_getenv ("FERRY_WATCHER_SHOT") != NULL)
    await_shot ();
  if (fd == NULL || orders != NULL)
    return;
  orders = fdopen (atoi (fd), "r");
  answers = fdopen (dup (atoi (fd)), "w");
  setvbuf (orders, NULL, _IONBF, 0);
  /* A test presses what has not come whole yet, as no person does; a toast that goes while it comes is freed beneath
   * its animation by libadwaita before 1.5. */
  g_object_set (gtk_widget_get_settings (GTK_WIDGET (newest)), "gtk-enable-animations", FALSE, NULL);
  g_unix_fd_add (atoi (fd), G_IO_IN | G_IO_HUP, order_came, NULL);
}

void
gtk_window_present (GtkWindow *window)
{
  void (*present) (GtkWindow * window) = dlsym (RTLD_NEXT, "gtk_window_present");

  g_set_weak_pointer (&newest, window);
  if (presented == 0)
    presented = g_get_monotonic_time ();
  present (window);
  begin ();
}

/* A binding looks a function up in its library, where it would not find what is preloaded. */
gboolean
g_module_symbol (GModule *module, const char *name, gpointer *symbol)
{
  gboolean (*find) (GModule * module, const char *name, gpointer *symbol) = dlsym (RTLD_NEXT, "g_module_symbol");

  if (!g_str_equal (name, "gtk_window_present"))
    return find (module, name, symbol);
  *symbol = gtk_window_present;
  return TRUE;
}

/* Workers are nothing to look at. */
static void __attribute__ ((constructor)) keep_from_workers (void) { unsetenv ("LD_PRELOAD"); }
