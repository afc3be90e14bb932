-- Tenants: for whom a transaction works

CREATE FUNCTION paysafe.act_for_tenant(tenant text, reason text DEFAULT NULL) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_act_for_tenant';
COMMENT ON FUNCTION paysafe.act_for_tenant(text, text) IS 'the transaction reads and writes this tenant''s rows, and no other''s; grant EXECUTE to application roles only';

CREATE FUNCTION paysafe.across_tenants(reason text) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_across_tenants';
COMMENT ON FUNCTION paysafe.across_tenants(text) IS 'the transaction works for all tenants: reports, support, migrations; on record at once; grant EXECUTE to roles of people, never to an application';

-- What the policy "paysafe_tenant" is made of; it runs as whoever reads
CREATE FUNCTION paysafe.current_tenant_int2() RETURNS smallint
	LANGUAGE C STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'paysafe_current_tenant_int2';
COMMENT ON FUNCTION paysafe.current_tenant_int2() IS 'the tenant that the transaction works for, as smallint';

CREATE FUNCTION paysafe.current_tenant_int4() RETURNS int
	LANGUAGE C STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'paysafe_current_tenant_int4';
COMMENT ON FUNCTION paysafe.current_tenant_int4() IS 'the tenant that the transaction works for, as integer';

CREATE FUNCTION paysafe.current_tenant_int8() RETURNS bigint
	LANGUAGE C STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'paysafe_current_tenant_int8';
COMMENT ON FUNCTION paysafe.current_tenant_int8() IS 'the tenant that the transaction works for, as bigint';

CREATE FUNCTION paysafe.current_tenant_uuid() RETURNS uuid
	LANGUAGE C STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'paysafe_current_tenant_uuid';
COMMENT ON FUNCTION paysafe.current_tenant_uuid() IS 'the tenant that the transaction works for, as uuid';

CREATE FUNCTION paysafe.current_tenant_text() RETURNS text
	LANGUAGE C STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'paysafe_current_tenant_text';
COMMENT ON FUNCTION paysafe.current_tenant_text() IS 'the tenant that the transaction works for';

CREATE FUNCTION paysafe.acts_across_tenants() RETURNS boolean
	LANGUAGE C STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'paysafe_acts_across_tenants';
COMMENT ON FUNCTION paysafe.acts_across_tenants() IS 'whether the transaction works for all tenants';

CREATE FUNCTION paysafe.of_tenant_support(internal) RETURNS internal
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_of_tenant_support';
COMMENT ON FUNCTION paysafe.of_tenant_support(internal) IS 'tells the planner how an index finds a tenant''s rows';

CREATE FUNCTION paysafe.of_tenant(value smallint, tenant smallint, across boolean) RETURNS boolean
	LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT paysafe.of_tenant_support
	AS 'MODULE_PATHNAME', 'paysafe_of_tenant';
COMMENT ON FUNCTION paysafe.of_tenant(smallint, smallint, boolean) IS 'across, or value = tenant';

CREATE FUNCTION paysafe.of_tenant(value int, tenant int, across boolean) RETURNS boolean
	LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT paysafe.of_tenant_support
	AS 'MODULE_PATHNAME', 'paysafe_of_tenant';
COMMENT ON FUNCTION paysafe.of_tenant(int, int, boolean) IS 'across, or value = tenant';

CREATE FUNCTION paysafe.of_tenant(value bigint, tenant bigint, across boolean) RETURNS boolean
	LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT paysafe.of_tenant_support
	AS 'MODULE_PATHNAME', 'paysafe_of_tenant';
COMMENT ON FUNCTION paysafe.of_tenant(bigint, bigint, boolean) IS 'across, or value = tenant';

CREATE FUNCTION paysafe.of_tenant(value uuid, tenant uuid, across boolean) RETURNS boolean
	LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT paysafe.of_tenant_support
	AS 'MODULE_PATHNAME', 'paysafe_of_tenant';
COMMENT ON FUNCTION paysafe.of_tenant(uuid, uuid, boolean) IS 'across, or value = tenant';

CREATE FUNCTION paysafe.of_tenant(value text, tenant text, across boolean) RETURNS boolean
	LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT paysafe.of_tenant_support
	AS 'MODULE_PATHNAME', 'paysafe_of_tenant';
COMMENT ON FUNCTION paysafe.of_tenant(text, text, boolean) IS 'across, or value = tenant';
