/*-------------------------------------------------------------------------
 *
 * setting.h
 *	  Settings that take protection out of force, judged where they take effect.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SETTING_H
#define PAYSAFE_SETTING_H

/* Does this value take triggers out of force, open the catalogs or drop rows? */
extern bool paysafe_setting_weakens(const char *name, const char *value);

/* May a setting of this name have this value, whose current one is another? */
typedef bool (*SettingJudge) (const char *name);

/*
 * From now on such values are refused, by whatever way they are set; if leads_out
 * is not NULL, also values of those settings that can be set in a session and that it
 * names.  To be called by the postmaster, when all libraries are loaded; a second
 * call does nothing.
 */
extern void paysafe_setting_watch(SettingJudge leads_out);

/* Is every setting watched that has to be? */
extern bool paysafe_setting_watched(void);

#endif							/* PAYSAFE_SETTING_H */
